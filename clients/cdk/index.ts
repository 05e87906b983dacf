// The authorizer of a Nova Auth stack, attached to APIs of another stack. What every way to attach it has in common: no result is kept,
// so that a revoked session is refused on its next call, and API Gateway calls the authorizer by the role that the Nova Auth stack
// exports for it.

import { Arn, ArnFormat, Duration, Fn, Stack } from "aws-cdk-lib";
import * as apigateway from "aws-cdk-lib/aws-apigateway";
import * as apigatewayv2 from "aws-cdk-lib/aws-apigatewayv2";
import { Role } from "aws-cdk-lib/aws-iam";
import { Function } from "aws-cdk-lib/aws-lambda";
import { Construct } from "constructs";
import { Language, refusals } from "./responses";

export { Language } from "./responses";

/** Which authorizer. */
export interface NovaAuthProps {
  /**
   * The name of the Nova Auth stack, in the same account and region.
   * @default "nova-auth"
   */
  readonly stackName?: string;
  /** The ARN of the authorizer's function, where it is in another account; together with `invokeRoleArn`. */
  readonly authorizerArn?: string;
  /** The role of this account by which API Gateway calls it. */
  readonly invokeRoleArn?: string;
}

/** When the authorizer is asked. */
export interface AttachOptions {
  /**
   * Whether a call without a token is a 401 at once, and calls nobody. `false` for an API whose rules have `public: true`, and for a
   * WebSocket API whose clients send the token in `Authorization`, or a ticket in the query.
   * @default true
   */
  readonly tokenRequired?: boolean;
}

/** The authorizer of a Nova Auth stack. */
export class NovaAuth extends Construct {
  /** The ARN of its function. */
  readonly authorizerArn: string;
  /** The role by which API Gateway calls it. */
  readonly invokeRoleArn: string;

  constructor(scope: Construct, id: string, props: NovaAuthProps = {}) {
    super(scope, id);
    if ((props.authorizerArn === undefined) !== (props.invokeRoleArn === undefined)) {
      throw new Error("authorizerArn and invokeRoleArn belong together");
    }
    const stack = props.stackName ?? "nova-auth";
    this.authorizerArn = props.authorizerArn ?? Fn.importValue(`${stack}-AuthorizerArn`);
    this.invokeRoleArn = props.invokeRoleArn ?? Fn.importValue(`${stack}-AuthorizerInvokeRoleArn`);
  }

  /** For the methods of one REST API: `defaultMethodOptions: { authorizer }`. It sees the client's address, which address rules need. */
  restAuthorizer(id: string, options: AttachOptions = {}): apigateway.IAuthorizer {
    const authorizer = new apigateway.RequestAuthorizer(this, id, {
      handler: Function.fromFunctionArn(this, `${id}Function`, this.authorizerArn),
      // Of another stack: nothing is added to it.
      assumeRole: Role.fromRoleArn(this, `${id}Role`, this.invokeRoleArn, { mutable: false }),
      identitySources: asks(options, apigateway.IdentitySource.header("Authorization")),
      resultsCacheTtl: Duration.seconds(0),
    });
    // The CDK writes an empty text where there is no source.
    if (options.tokenRequired === false) {
      (authorizer.node.defaultChild as apigateway.CfnAuthorizer).addPropertyDeletionOverride("IdentitySource");
    }
    return authorizer;
  }

  /**
   * For the routes of one HTTP API: `defaultAuthorizer`. The CDK's own `HttpLambdaAuthorizer` has payload 2.0 with simple responses
   * alone; the authorizer answers with policies, unless its stack says `HttpResponses=simple`: then say `simpleResponses`.
   */
  httpAuthorizer(id: string, options: AttachOptions & { simpleResponses?: boolean } = {}): apigatewayv2.IHttpRouteAuthorizer {
    const of = this.once(id, (apiId) => ({
      authorizerPayloadFormatVersion: "2.0",
      authorizerResultTtlInSeconds: 0,
      enableSimpleResponses: options.simpleResponses,
      identitySource: asks(options, "$request.header.Authorization"),
      apiId,
    }));
    return { bind: ({ route }) => ({ authorizerId: of(route.httpApi.apiId), authorizationType: "CUSTOM" }) };
  }

  /** For the `$connect` route of one WebSocket API: the only moment that is authorized. Browsers send the token as a subprotocol. */
  webSocketAuthorizer(id: string, options: AttachOptions = {}): apigatewayv2.IWebSocketRouteAuthorizer {
    const of = this.once(id, (apiId) => ({
      identitySource: asks(options, "route.request.header.Sec-WebSocket-Protocol"),
      apiId,
    }));
    return { bind: ({ route }) => ({ authorizerId: of(route.webSocketApi.apiId), authorizationType: "CUSTOM" }) };
  }

  /** Words what a REST API refuses by itself as Nova Auth does. An HTTP or a WebSocket API has AWS's own words. */
  wordRefusals(api: apigateway.RestApi, language: Language): void {
    for (const { type, statusCode, headers, body } of refusals(language)) {
      api.addGatewayResponse(`Refusal${type.responseType}`, {
        type,
        statusCode,
        responseHeaders: headers,
        templates: { "application/json": body },
      });
    }
  }

  /** An authorizer of API Gateway is made with the first route that it is for, and belongs to that route's API. */
  private once(id: string, settings: (apiId: string) => Partial<apigatewayv2.CfnAuthorizerProps> & { apiId: string }) {
    let made: apigatewayv2.CfnAuthorizer | undefined;
    return (apiId: string): string => {
      if (made && made.apiId !== apiId) throw new Error(`the authorizer ${id} belongs to another API: make one for each`);
      made ??= new apigatewayv2.CfnAuthorizer(this, id, {
        ...settings(apiId),
        name: id,
        authorizerType: "REQUEST",
        authorizerUri: this.uri(),
        authorizerCredentialsArn: this.invokeRoleArn,
      });
      return made.ref;
    };
  }

  /** What API Gateway calls: in its own region, which is the authorizer's, too. */
  private uri(): string {
    return Arn.format(
      {
        service: "apigateway",
        account: "lambda",
        resource: "path",
        resourceName: `2015-03-31/functions/${this.authorizerArn}/invocations`,
        arnFormat: ArnFormat.SLASH_RESOURCE_NAME,
      },
      Stack.of(this),
    );
  }
}

function asks({ tokenRequired = true }: AttachOptions, source: string): string[] {
  return tokenRequired ? [source] : [];
}
