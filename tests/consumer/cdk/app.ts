// APIs of every kind of another team, in a stack of the AWS CDK, that attach the authorizer of a Nova Auth stack. The same routes as the
// other samples have; who may call what is in rules.yaml.

import { App, Duration, RemovalPolicy, Stack, StackProps } from "aws-cdk-lib";
import { EndpointType, LambdaIntegration, RestApi } from "aws-cdk-lib/aws-apigateway";
import { CorsHttpMethod, HttpApi, HttpMethod, HttpNoneAuthorizer, WebSocketApi, WebSocketStage } from "aws-cdk-lib/aws-apigatewayv2";
import { HttpLambdaIntegration, WebSocketLambdaIntegration } from "aws-cdk-lib/aws-apigatewayv2-integrations";
import { AttributeType, BillingMode, Table } from "aws-cdk-lib/aws-dynamodb";
import { PolicyStatement } from "aws-cdk-lib/aws-iam";
import { Architecture, CfnFunction, Code, Function, Runtime } from "aws-cdk-lib/aws-lambda";
import { Construct } from "constructs";
import { NovaAuth } from "@nova-auth/cdk";

// Where `cargo lambda build --release --arm64 -p notes` puts it.
const CODE = process.env.NOTES_CODE ?? "../../../target/lambda/notes";

class NotesStack extends Stack {
  constructor(scope: Construct, id: string, props: StackProps = {}) {
    super(scope, id, props);
    const nova = new NovaAuth(this, "NovaAuth", { stackName: "nova-auth" });
    this.rest(nova);
    this.http(nova);
    this.webSocket(nova);
  }

  private rest(nova: NovaAuth): void {
    const behind = new LambdaIntegration(this.notes("RestFunction"), { allowTestInvoke: false });
    const api = new RestApi(this, "RestNotes", {
      cloudWatchRole: false,
      deployOptions: { stageName: "v1" },
      endpointTypes: [EndpointType.REGIONAL],
      defaultMethodOptions: { authorizer: nova.restAuthorizer("RestAuthorizer") },
    });
    nova.wordRefusals(api, "ar");
    const notes = api.root.addResource("notes");
    for (const method of ["GET", "POST", "DELETE"]) notes.addMethod(method, behind);
    api.root.addResource("whoami").addMethod("GET", behind);
    api.root.addResource("admin").addResource("report").addMethod("GET", behind);
  }

  private http(nova: NovaAuth): void {
    const behind = new HttpLambdaIntegration("Notes", this.notes("HttpFunction"));
    const api = new HttpApi(this, "HttpNotes", {
      // Methods are written out: ANY takes OPTIONS too, and would send preflight requests to the authorizer.
      corsPreflight: {
        allowOrigins: ["https://app.example.com"],
        allowMethods: [CorsHttpMethod.GET, CorsHttpMethod.POST],
        allowHeaders: ["authorization", "content-type"],
        maxAge: Duration.minutes(10),
      },
      defaultAuthorizer: nova.httpAuthorizer("HttpAuthorizer"),
    });
    api.addRoutes({ path: "/whoami", methods: [HttpMethod.GET], integration: behind });
    api.addRoutes({ path: "/notes", methods: [HttpMethod.GET, HttpMethod.POST], integration: behind });
    api.addRoutes({ path: "/admin/report", methods: [HttpMethod.GET], integration: behind });
    // `public: true` in rules.yaml, and no authorizer here: both have to say it.
    api.addRoutes({ path: "/health", methods: [HttpMethod.GET], integration: behind, authorizer: new HttpNoneAuthorizer() });
  }

  private webSocket(nova: NovaAuth): void {
    const connections = new Table(this, "Connections", {
      partitionKey: { name: "pk", type: AttributeType.STRING },
      sortKey: { name: "sk", type: AttributeType.STRING },
      timeToLiveAttribute: "expiresAt",
      billingMode: BillingMode.PAY_PER_REQUEST,
      removalPolicy: RemovalPolicy.DESTROY,
    });
    const chat = this.notes("ChatFunction");
    const behind = new WebSocketLambdaIntegration("Chat", chat);
    const authorizer = nova.webSocketAuthorizer("ChatAuthorizer");
    const api = new WebSocketApi(this, "Chat", {
      connectRouteOptions: { integration: behind, authorizer },
      disconnectRouteOptions: { integration: behind },
      defaultRouteOptions: { integration: behind, returnResponse: true },
    });
    api.addRoute("whoami", { integration: behind, returnResponse: true });
    const stage = new WebSocketStage(this, "ChatStage", { webSocketApi: api, stageName: "v1", autoDeploy: true });
    chat.addEnvironment("CONNECTIONS_TABLE", connections.tableName);
    chat.addEnvironment("CONNECTIONS_URL", stage.callbackUrl);
    chat.addEnvironment("MAX_CONNECTION_SECONDS", "900");
    connections.grant(chat, "dynamodb:BatchGetItem", "dynamodb:DeleteItem", "dynamodb:PutItem", "dynamodb:Query");
    // DELETE ends a connection. To send messages it would be POST.
    const ends = this.formatArn({ service: "execute-api", resource: api.apiId, resourceName: `${stage.stageName}/DELETE/@connections/*` });
    chat.addToRolePolicy(new PolicyStatement({ actions: ["execute-api:ManageConnections"], resources: [ends] }));
  }

  private notes(id: string): Function {
    const notes = new Function(this, id, {
      architecture: Architecture.ARM_64,
      code: Code.fromAsset(CODE),
      handler: "bootstrap",
      memorySize: 128,
      runtime: Runtime.PROVIDED_AL2023,
      timeout: Duration.seconds(10),
    });
    // For `nova local`, which finds no code in a bucket: where it lies, seen from the template.
    (notes.node.defaultChild as CfnFunction).addMetadata("CodeUri", "../notes");
    return notes;
  }
}

new NotesStack(new App({ analyticsReporting: false }), "nova-notes-cdk");
